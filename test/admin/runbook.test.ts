/** docs/runbook.md: a section for each code, status and state that users meet, and none for what does not exist. */
import { readFileSync } from 'node:fs';
import { ErrorCode } from 'pillion';
import { describe, expect, it } from 'vitest';
import { adviceOn, anchorOf, runbookPathOf, sections } from '../../src/admin/failure-advice.js';
import { runbook, runbookPage } from '../../src/admin/runbook.js';

const text = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');

/** The sections of a part by their headings. */
function partOf(title: string): Map<string, string> {
  const [, part = ''] = text.split(`\n## ${title}\n`);
  const [whole = ''] = part.split('\n## ');
  return new Map(
    whole
      .split(/^### /m)
      .slice(1)
      .map((section) => {
        const end = section.indexOf('\n');
        return [section.slice(0, end), section.slice(end).trim()];
      }),
  );
}

/** Codes of the network, of TLS and of HTTP that users meet, and each class of status. */
const met: [string, number?][] = [
  ...['ECONNREFUSED', 'ENOTFOUND', 'ECONNRESET', 'EAI_AGAIN', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'EHOSTUNREACH'],
  ...['ENETUNREACH', 'EADDRNOTAVAIL', 'EMFILE', 'EPROTO', 'UND_ERR_SOCKET', 'ERR_NETWORK', 'REFUSED_STREAM'],
  ...['CERT_HAS_EXPIRED', 'CERT_REVOKED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ...['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_HTTP2_GOAWAY_SESSION', 'HPE_INVALID_CONSTANT', 'ERR_BAD_RESPONSE'],
  ...Object.values(ErrorCode),
].map((code) => [code]);
const statuses: [string, number][] = [400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504, 599].map((status) => [
  status < 500 ? 'ERR_BAD_REQUEST' : 'ERR_BAD_RESPONSE',
  status,
]);

describe('the runbook', () => {
  it('has a section for each list of codes with an advice, and an advice for each section, in the same order', () => {
    expect([...partOf('Error codes').keys()]).toEqual(sections.map(({ codes }) => codes.join(', ')));
  });

  it('has a section for each state of the page', () => {
    expect([...partOf('Page states').keys()]).toEqual([
      ...['failing', 'degraded', 'well', 'down', 'Circuit open', 'Circuit half-open', 'Circuit forced'],
      ...['Endpoint ejected', 'Endpoint unhealthy', 'No endpoint', 'Certificate', 'Configuration refused'],
      'No new figures',
    ]);
  });

  it('says in each what it means, what to look at and what to do, in three to six lines', () => {
    for (const [heading, section] of [...partOf('Error codes'), ...partOf('Page states')]) {
      expect(section.match(/^- /gm)?.length, heading).toBe(3);
      expect(section.split('\n').length, heading).toBeLessThanOrEqual(6);
    }
  });

  it.each([...met, ...statuses])('has its own section for %s %s', (code, status) => {
    const path = runbookPathOf(code, status);
    expect(path).not.toBe(runbookPathOf('E_UNHEARD_OF', undefined));
    expect(runbookPage()).toContain(` id="${path.replace('runbook#', '')}"`);
    expect(adviceOn(code, status)).toMatch(/^[A-Z].{40,170}[^.]\.$/);
  });

  it('has a general section for a code that nobody knows', () => {
    for (const code of ['_OTHER', 'E_UNHEARD_OF', '', '__proto__', 'constructor'])
      expect(runbookPathOf(code, undefined)).toBe('runbook#any-other-code');
  });

  it('names no code twice, and gives every heading an anchor of its own', () => {
    const codes = sections.flatMap((section) => section.codes);
    expect(codes.length).toBe(new Set(codes).size);
    const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
    expect(anchors.length).toBe(new Set(anchors).size);
  });
});

describe('the runbook as a page', () => {
  it('is the text of the file, complete, with links that lead somewhere', () => {
    expect(runbook).toBe(text);
    const page = runbookPage();
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(ids.length).toBe(text.match(/^#+ /gm)?.length);
    for (const [, to] of page.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(to);
    expect(page.match(/<li>/g)?.length).toBe(text.match(/^- /gm)?.length);
    expect(page.replace(/<[^>]*>/g, '')).not.toMatch(/[<>]|^#|\*\*|\]\(/m);
  });

  it('runs no script and loads nothing', () => {
    expect(runbookPage()).not.toMatch(/<script|src=|href="(?!#|data:)/);
  });
});
