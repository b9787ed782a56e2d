/** Which texts are forms. */

/** By its type and its looks: axios gives the type of a form to every text that is sent without one of its own. */
export function isForm(text: unknown, contentType = ''): text is string {
  return typeof text === 'string' && contentType.includes('x-www-form-urlencoded') && /^[^\s=]*=\S*$/.test(text);
}
