/** The admin page as one HTML document, which loads no other file, and its content security policy. */
import { createHash } from 'node:crypto';
import inlined from './page/page.html';

export const page: string = inlined;

function hashOf(element: 'script' | 'style'): string {
  const [, text = ''] = new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(page) ?? [];
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** Content security policy: allows only this script and this style, and requests only to this server. */
export const pagePolicy = [
  "default-src 'none'",
  `script-src ${hashOf('script')}`,
  `style-src ${hashOf('style')}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
