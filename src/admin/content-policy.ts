/** The content security policy of a page that holds its own script and style and loads no other file. */
import { createHash } from 'node:crypto';

/** Each directive is there only where the page needs it; a script may make requests to this server alone. */
export function contentPolicy({ script, style }: { readonly script?: string; readonly style: string }): string {
  const scripted = script === undefined ? [] : [`script-src ${hashOf(script)}`];
  const connected = script === undefined ? [] : ["connect-src 'self'"];
  return [
    "default-src 'none'",
    ...scripted,
    `style-src ${hashOf(style)}`,
    ...connected,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
