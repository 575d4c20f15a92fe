/* Sets the chosen theme before the first paint. A classic script on purpose: modules run after it. Load it in <head>. */
(() => {
  try {
    const theme = localStorage.getItem("baton.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // storage is switched off: the system's theme is right
  }
})();
