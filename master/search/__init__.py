"""The search for hyperparameters: trials, and what is proposed next. Pure, and drawn by seed."""
