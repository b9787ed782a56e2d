/** docs/envoy.md and its cases, without Envoy: what is explained is a case, and what explains it is in the docs. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
// @ts-expect-error plain JavaScript
import { accountOf, accounts, listenerAccounts } from './accounts.mjs';
// @ts-expect-error plain JavaScript
import { cases } from './cases/index.mjs';
// @ts-expect-error plain JavaScript
import { verdictOf } from './compare.mjs';
// @ts-expect-error plain JavaScript
import { docs, rowStart } from './page.mjs';

interface Case {
  readonly id: string;
  readonly group: string;
  readonly title: string;
}

interface Account {
  readonly docs: string;
  readonly cases: Record<string, string[]>;
}

const ids: string[] = cases.map(({ id }: Case) => id);

describe('the cases', () => {
  it('have names of their own and are at least 200, in all groups', () => {
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(200);
    expect([...new Set(cases.map(({ group }: Case) => group))]).toEqual([
      ...['faults', 'retry_on', 'timeouts', 'TLS', 'limits', 'routes', 'headers', 'traffic', 'balancing'],
      ...['connections', 'HTTP/2'],
    ]);
  });

  it('have names that no client of another case has', () => {
    // The importer names the clients of a case after its clusters: the id, a letter, a number.
    const taken = ids.filter((id) =>
      ids.some((other) => other !== id && id.replace(/(-[abc])?(-[2-9])?$/, '') === other),
    );
    expect(taken).toEqual([]);
  });
});

describe('what explains a difference', () => {
  const text = docs() as string;

  const both = [...(accounts as Account[]), ...(listenerAccounts as Account[])];

  it.each(both.map((each) => each.docs))('is a sentence of the docs: %s', (sentence) => {
    expect(text).toContain(sentence);
  });

  it.each([
    ['client', accounts],
    ['listener', listenerAccounts],
  ])('is about a case, and each case has at most one (%s)', (_, list) => {
    const explained = (list as Account[]).flatMap((each) => Object.keys(each.cases));
    expect(explained.filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(explained).size).toBe(explained.length);
  });
});

const page = readFileSync(new URL('../../docs/envoy.md', import.meta.url), 'utf8');
const [direct = '', listener = ''] = page.split('\n## Through the listener\n');

describe('docs/envoy.md', () => {
  const lines = direct.split('\n');

  it('has each case once, with what explains its difference (npm run envoy -- --write renews it)', () => {
    const missing = (cases as Case[]).filter(({ id, group, title }) => {
      const account = accountOf(id) as { docs: string } | undefined;
      if (account === undefined) return !lines.includes(`- ${title}`);
      return !direct.includes(rowStart({ group, title, note: account.docs }));
    });
    expect(missing.map(({ id }) => id)).toEqual([]);
    expect(lines.filter((line) => line.startsWith('- ') || /^\| (?!Group|---)/.test(line))).toHaveLength(cases.length);
  });
});

describe('the part of docs/envoy.md about the listener', () => {
  it('has each case that differs otherwise than with the client', () => {
    const own = (listenerAccounts as Account[]).flatMap((each) => Object.keys(each.cases));
    const titles = (cases as Case[]).filter(({ id }) => own.includes(id)).map(({ title }) => title);
    expect(titles.filter((title) => !listener.includes(`| ${title} |`))).toEqual([]);
  });
});

describe('a verdict', () => {
  const found = [{ part: 'status', envoy: [200], ours: [503] }];

  it('is "different" for a difference that nothing explains', () => {
    expect(verdictOf(found, undefined, '').verdict).toBe('different');
  });

  it('is "different" for a difference in a part that the explanation does not name', () => {
    expect(verdictOf(found, { docs: 'So it is.', parts: ['body'] }, 'So it is.').verdict).toBe('different');
  });

  it('is "different" when the docs do not have the sentence', () => {
    expect(verdictOf(found, { docs: 'So it is.', parts: ['status'] }, 'It is not.').verdict).toBe('different');
  });

  it('is "intended" when the docs have the sentence', () => {
    expect(verdictOf(found, { docs: 'So it is.', parts: ['status'] }, 'Here: So it is.').verdict).toBe('intended');
  });

  it('is "different" for a difference that is gone, so that the list of them shrinks', () => {
    expect(verdictOf([], { docs: 'So it is.', parts: ['status'] }, 'So it is.').verdict).toBe('different');
  });
});
