/* Passkeys: asks the node what to ask, hands it to the browser, and sends back what it answered. */

const fromText = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const toText = (buffer) =>
  buffer === null || buffer === undefined
    ? undefined
    : btoa(String.fromCharCode(...new Uint8Array(buffer)))
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replace(/=+$/, "");

const listed = (entries) => (entries ?? []).map((entry) => ({ ...entry, id: fromText(entry.id) }));

async function ask(form) {
  const response = await fetch(form.dataset.ask, {
    method: "POST",
    headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value, Accept: "application/json" },
  });
  if (!response.ok) throw new Error(String(response.status));
  // Sent elsewhere, because the sign-in is no longer fresh: the form does the same and shows why.
  if (response.redirected) return null;
  return response.json();
}

async function create(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: fromText(options.challenge),
      user: { ...options.user, id: fromText(options.user.id) },
      excludeCredentials: listed(options.excludeCredentials),
    },
  });
  return {
    id: made.id,
    rawId: toText(made.rawId),
    type: made.type,
    clientExtensionResults: {},
    response: {
      clientDataJSON: toText(made.response.clientDataJSON),
      attestationObject: toText(made.response.attestationObject),
    },
  };
}

async function get(options) {
  const found = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: fromText(options.challenge),
      allowCredentials: listed(options.allowCredentials),
    },
  });
  return {
    id: found.id,
    rawId: toText(found.rawId),
    type: found.type,
    clientExtensionResults: {},
    response: {
      clientDataJSON: toText(found.response.clientDataJSON),
      authenticatorData: toText(found.response.authenticatorData),
      signature: toText(found.response.signature),
      userHandle: toText(found.response.userHandle),
    },
  };
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  for (const text of document.querySelectorAll("[data-passkey-none]")) text.hidden = true;
  const error = form.querySelector("[data-passkey-error]");
  form.addEventListener("submit", async (event) => {
    const field = form.elements.credential;
    if (field.value || (form.elements.name && !form.elements.name.value.trim())) return;
    event.preventDefault();
    error.hidden = true;
    try {
      const options = await ask(form);
      if (options !== null) {
        const answer = await (form.dataset.passkey === "create" ? create : get)(options);
        field.value = JSON.stringify(answer);
      }
      form.submit();
    } catch {
      error.hidden = false;
    }
  });
}
