"""The least that a page of Streamlit can be: a script with one line."""

import streamlit as st

st.caption("Commonsight is for research and teaching")
