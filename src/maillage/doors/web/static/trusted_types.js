// Loaded before any other script: the pages are made on the server, escaped there, and swapped in as they are (Trusted Types, W3C).
// Addresses of scripts have no policy: `script.src = ...` stays refused.
globalThis.trustedTypes?.createPolicy("default", { createHTML: (text) => text });
