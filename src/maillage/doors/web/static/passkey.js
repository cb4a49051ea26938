// A WebAuthn key, asked for when its button is pressed. The form says what is asked (data-options); its answer goes back as an ordinary form.
const bytes = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), char => char.charCodeAt(0));
const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const listed = list => (list ?? []).map(one => ({ ...one, id: bytes(one.id) }));

const asked = {
  get: options => navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: listed(options.allowCredentials) } }),
  create: options => navigator.credentials.create({ publicKey: {
    ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: listed(options.excludeCredentials),
  } }),
};

const told = key => JSON.stringify({
  id: key.id, rawId: text(key.rawId), type: key.type, clientExtensionResults: key.getClientExtensionResults(),
  response: Object.fromEntries(['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']
    .filter(name => key.response[name]).map(name => [name, text(key.response[name])])),
});

for (const form of document.querySelectorAll('form[data-passkey]')) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.parentElement.querySelector('[data-without-passkey]').hidden = true;
  form.addEventListener('submit', async event => {
    const answer = form.elements.key;
    if (answer.value) return;
    event.preventDefault();
    const said = form.querySelector('[role=status]');
    said.textContent = form.dataset.wait;
    try {
      answer.value = told(await asked[form.dataset.passkey](JSON.parse(form.dataset.options)));
      form.requestSubmit();
    } catch {
      said.textContent = form.dataset.failed;
    }
  });
}
