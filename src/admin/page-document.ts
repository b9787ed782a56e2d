/** The admin page as one HTML document, which loads no other file, and its content security policy. */
import { contentPolicy } from './content-policy.js';
import inlined from './page/page.html';

export const page: string = inlined;

function textOf(element: 'script' | 'style'): string {
  return new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(page)?.[1] ?? '';
}

/** Content security policy: allows only this script and this style, and requests only to this server. */
export const pagePolicy = contentPolicy({ script: textOf('script'), style: textOf('style') });
