"""The web app: Streamlit pages that speak HTTP to the master and to the sites' children."""
