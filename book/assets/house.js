// Formulas, names for the buttons that have none, and print: on white, with open what is folded.
addEventListener("DOMContentLoaded", () => {
  if (window.katex) {
    for (const formula of document.querySelectorAll(".math")) {
      const source = formula.textContent.replace(/^\s*\\[[(]|\\[\])]\s*$/g, "");
      katex.render(source, formula, { displayMode: formula.tagName === "DIV", throwOnError: false });
    }
  }
});

addEventListener("load", () => {
  for (const button of document.querySelectorAll("button.copybtn")) button.setAttribute("aria-label", "Copy the code");
  for (const button of document.querySelectorAll("button:not([aria-label])")) {
    const name = button.title || button.dataset.bsTitle;
    if (name && !button.textContent.trim()) button.setAttribute("aria-label", name);
  }
});

const root = document.documentElement;
let opened = [], theme;
addEventListener("beforeprint", () => {
  theme = root.dataset.theme;
  root.dataset.theme = "light";
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const details of opened) details.open = true;
  for (const picture of document.querySelectorAll("img[loading=lazy]")) picture.loading = "eager";
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
  root.dataset.theme = theme;
});
