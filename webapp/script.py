"""What Streamlit runs for a browser, anew at each of its actions; `webapp/app.py` serves it."""

from webapp.frame import main

main()
