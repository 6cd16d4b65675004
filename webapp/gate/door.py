"""The sign-in that a page itself asks for: an account at an identity provider."""

from __future__ import annotations

import streamlit as st

from webapp.desk import Desk
from webapp.gate.members import Members, provider_library
from webapp.texts import text
from webapp.words import told


def signed_in(members: Members) -> bool:
    """Whether the viewer is a member; who is not gets a way to sign in and nothing else."""
    user = st.user.to_dict()
    if members.admits(user):
        return True
    st.title(text("enter.title"), anchor=False)
    if not provider_library() or "auth" not in st.secrets:
        st.error(text("enter.no_provider"), icon=":material/settings_alert:")
    elif user.get("is_logged_in"):
        address = str(user.get("email") or "")
        st.error(told("enter.not_member", address=address), icon=":material/lock:")
        st.button(text("enter.leave"), on_click=st.logout, key="leave")
    else:
        st.markdown(text("enter.account"))
        st.button(text("enter.sign_in"), on_click=st.login, type="primary", key="sign-in")
    return False


def sign_out(desk: Desk) -> None:
    """The way out, where there was a way in."""
    if desk.members:
        st.button(text("enter.leave"), on_click=st.logout, key="leave", type="tertiary")
    elif desk.role != "classroom":
        # Within this window: the page that follows knows nothing of Streamlit.
        st.html(f'<a class="sign-out" href="/leave" target="_self">{text("enter.leave")}</a>')
