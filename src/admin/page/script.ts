/** The page's script: its parts in one, and the handlers of filter, token form and keyboard. */
import { clients } from './clients.js';
import { plot } from './plot.js';
import { stream } from './stream.js';

export const script = `
'use strict';
const at = (id) => document.getElementById(id);
${plot}${clients}${stream}
at('filter').oninput = filter;
at('login').onsubmit = (event) => {
  event.preventDefault();
  token = at('token').value;
  sessionStorage.setItem(tokenKey, token);
  at('token').value = '';
  watch();
};
document.onkeydown = (event) => {
  const typed = event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey;
  if (event.key !== '/' || typed) return;
  event.preventDefault();
  at('filter').focus();
};
setInterval(checkStream, 1000);
watch();
`;
