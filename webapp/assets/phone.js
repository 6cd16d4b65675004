// Closes the navigation after a choice where it covers the page that was chosen.
//
// Streamlit does so for its own menu on a phone, but neither for links that are drawn into the
// sidebar nor in a narrow window.
window.closesNavigation ??= document.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-testid='stSidebar'] :is(a[data-testid='stPageLink-NavLink'], a[data-testid='stSidebarNavLink'])");
  if (!chosen || !matchMedia("(max-width: 640px)").matches) return;
  // Streamlit's own turn comes first.
  setTimeout(() => {
    const open = document.querySelector("[data-testid='stSidebar'][data-collapsed='false']");
    open?.querySelector("[data-testid='stSidebarCollapseButton'] button")?.click();
  }, 50);
}) ?? true;
