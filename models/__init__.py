"""The zoo: Keras models that know arrays, and nothing of servers, databases or folders.

`models.catalogue`, `models.measures` and `models.training.schedule` import without Keras.
Everything else runs in worker processes, which call `models.runtime.configure` before anything of
Keras.
"""
