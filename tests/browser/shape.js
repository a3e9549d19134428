// What is wrong with a page's shape, in words; an empty list when nothing is.
() => {
  const wrong = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.querySelectorAll("body *")]
      .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
      .map((element) => element.outerHTML.slice(0, 100));
    wrong.push(`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth} at ${wide.slice(0, 3).join(" | ")}`);
  }
  for (const attribute of ["aria-describedby", "aria-labelledby", "aria-controls", "aria-owns", "aria-errormessage", "for"]) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of element.getAttribute(attribute).split(/\s+/).filter(Boolean)) {
        if (!document.getElementById(id)) wrong.push(`${attribute} names no element: ${id}`);
      }
    }
  }
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    if (!document.getElementById(link.getAttribute("href").slice(1))) wrong.push(`link to nothing: ${link.outerHTML}`);
  }
  for (const message of document.querySelectorAll(".govuk-error-message")) {
    if (message.textContent.includes("::")) wrong.push(`an error begins with two colons: ${message.textContent.trim()}`);
  }
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not exactly one h1");
  return wrong;
}
