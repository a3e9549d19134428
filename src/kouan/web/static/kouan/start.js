// Turns on what scripts add to a page that already works without them.
import { initAll } from "../vendor/govuk-frontend.js";

document.body.classList.add("js-enabled");
if ("noModule" in HTMLScriptElement.prototype) {
  document.body.classList.add("govuk-frontend-supported");
}
initAll();

/** Give each copyable value a button; the words come translated from the page. */
function addCopyButtons(root) {
  if (!navigator.clipboard) return;
  for (const box of root.querySelectorAll("[data-copy]:not([data-copy-ready])")) {
    box.dataset.copyReady = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "kouan-copy__button";
    button.textContent = box.dataset.copyLabel;
    if (box.dataset.copyName) button.setAttribute("aria-label", box.dataset.copyName);
    const said = document.createElement("span");
    said.className = "govuk-visually-hidden";
    said.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(box.dataset.copy);
      } catch {
        return;
      }
      button.textContent = said.textContent = box.dataset.copyDone;
      setTimeout(() => {
        button.textContent = box.dataset.copyLabel;
        said.textContent = "";
      }, 2500);
    });
    box.append(button, said);
  }
}

addCopyButtons(document);
document.body.addEventListener("htmx:load", (event) => addCopyButtons(event.detail.elt.parentElement ?? document));
