/** Long lists of rules: the same rule is found as by a walk through all of them, and few of them are looked at. */
import fc from 'fast-check';
import type { Request } from 'pillion';
import { expect, it, vi } from 'vitest';
import { withCall } from '../../../src/call/request.js';
import { matcherOf, RuleList } from '../../../src/policies/traffic/match.js';
import { aRequest } from '../alone.js';

const request = (path: string, method = 'get') => withCall(aRequest({ url: path, method } as Partial<Request>));

const segment = fc.constantFrom('a', 'b', 'ab', 'c');
const path = fc.array(segment, { maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const match = fc.record(
  {
    path: fc.oneof(
      path.map((prefix) => ({ prefix })),
      path.map((exact) => ({ exact })),
      segment.map((regex) => ({ regex })),
    ),
    methods: fc.constantFrom<string[]>(['GET'], ['post', 'PUT']),
  },
  { requiredKeys: [] },
);
const rules = fc.array(fc.record({ match: fc.option(match, { nil: undefined }) }), { minLength: 9, maxLength: 60 });

it('of any rules, the first that applies and all that apply are those that a walk finds', () => {
  fc.assert(
    fc.property(rules, path, fc.constantFrom('', '?a=/b'), fc.constantFrom('get', 'post'), (all, to, query, method) => {
      const asked = request(to + query, method);
      const applies = all.map((each) => matcherOf(each.match)(asked));
      const list = new RuleList(all);
      expect(list.first(asked)).toBe(applies.indexOf(true));
      expect(list.all(asked)).toEqual(applies.flatMap((does, index) => (does ? [index] : [])));
    }),
  );
});

it('of 200 rules by path, a call is compared with those of its own path only', () => {
  const list = new RuleList(
    Array.from({ length: 200 }, (_, index) => ({ match: { path: { prefix: `/v1/resource-${index}/` } } })),
  );
  const compared = vi.spyOn(String.prototype, 'startsWith');
  const found = [0, 199, 250].map((index) => list.first(request(`/v1/resource-${index}/x`)));
  const count = compared.mock.calls.filter(([start]) => start.startsWith?.('/v1/resource-')).length;
  vi.restoreAllMocks();
  expect(found).toEqual([0, 199, -1]);
  expect(count).toBeLessThanOrEqual(4);
});
