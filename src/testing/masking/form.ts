/** Recognises urlencoded forms. */

/**
 * Checks content type and text: axios sends every text without a content type as `application/x-www-form-urlencoded`.
 */
export function isForm(text: unknown, contentType = ''): text is string {
  return typeof text === 'string' && contentType.includes('x-www-form-urlencoded') && /^[^\s=]*=\S*$/.test(text);
}
