/** Caps of a cluster: connections, queued requests, requests in flight, retries at once. */
const cap = (thresholds) => ({ cluster: { circuit_breakers: { thresholds: [thresholds] } } });
const together =
  (count, request = {}) =>
  async (send) =>
    Promise.all(Array.from({ length: count }, (_, index) => send({ ...request, path: `/${index}` })));

/** A call that opens the connection first, since Envoy counts a call that waits for a connection as pending. */
const warm = (count) => async (send) => [await send({}), ...(await together(count)(send))];

/** How many calls had which result. */
export function counted(answers) {
  const counts = {};
  for (const { what } of answers) counts[what] = (counts[what] ?? 0) + 1;
  return counts;
}
const results = ({ answers, seen }) => ({ results: counted(answers), attempts: seen.length });
const inTime = (limit) => (observed) => ({
  ...results(observed),
  quick: Math.max(...observed.answers.map(({ took }) => took)) < limit,
});

const slow = [{ delay: 300 }];
/** So many failures, then successes. The delays have all calls in flight at once, and then all retries, however short their waits are. */
const failing = (count) => [...Array(count).fill({ status: 503, delay: 100 }), { status: 200, delay: 100 }];
const again = { retry_on: '5xx', retry_back_off: { base_interval: '0.2s', max_interval: '0.2s' } };

const list = [
  { id: 'none', title: 'no thresholds: 50 calls at once', drive: together(50), script: slow, summary: inTime(1200) },
  {
    id: 'connections-1',
    title: '`max_connections: 1`: four calls one after the other',
    ...cap({ max_connections: 1 }),
    drive: together(4),
    script: slow,
    summary: (o) => ({ ...results(o), connections: o.connections }),
  },
  {
    id: 'connections-2',
    title: '`max_connections: 2`: four calls two by two',
    ...cap({ max_connections: 2 }),
    drive: together(4),
    script: slow,
    summary: inTime(1100),
  },
  {
    id: 'pending-1',
    title: '`max_connections: 1`, `max_pending_requests: 1`: four calls',
    ...cap({ max_connections: 1, max_pending_requests: 1 }),
    drive: warm(4),
    script: slow,
    summary: results,
  },
  {
    id: 'pending-0',
    title: '`max_connections: 1`, `max_pending_requests: 0`: three calls',
    ...cap({ max_connections: 1, max_pending_requests: 0 }),
    drive: together(3),
    script: slow,
    summary: results,
  },
  {
    id: 'pending-0-one',
    title: '`max_pending_requests: 0`: a single call',
    ...cap({ max_pending_requests: 0 }),
    summary: results,
  },
  {
    id: 'requests-2',
    title: '`max_requests: 2` over HTTP/1.1: five calls',
    ...cap({ max_requests: 2 }),
    drive: together(5),
    script: slow,
    summary: results,
  },
  { id: 'requests-0', title: '`max_requests: 0`: a call', ...cap({ max_requests: 0 }), summary: results },
  { id: 'connections-0', title: '`max_connections: 0`: a call', ...cap({ max_connections: 0 }), summary: results },
  {
    id: 'overflow-not-retried',
    title: 'a call that the queue has no place for is not retried',
    ...cap({ max_connections: 1, max_pending_requests: 1 }),
    drive: warm(4),
    script: slow,
    route: { retry_policy: again },
    summary: results,
  },
  {
    id: 'retries-1',
    title: '`max_retries: 1`: of four failing calls one is retried',
    ...cap({ max_retries: 1 }),
    drive: together(4),
    script: failing(4),
    route: { retry_policy: again },
    summary: results,
  },
  {
    id: 'retries-default',
    title: 'three retries at once by default: of eight failing calls three are retried',
    drive: together(8),
    script: failing(8),
    route: { retry_policy: again },
    summary: results,
  },
  {
    id: 'budget-100',
    title: '`retry_budget` of 100 %: of eight failing calls more than three are retried',
    ...cap({ retry_budget: { budget_percent: { value: 100 } } }),
    drive: together(8),
    // The delay has all of them in flight at once.
    script: [...Array(8).fill({ status: 503, delay: 100 }), 200],
    route: { retry_policy: again },
    summary: ({ answers }) => ({ moreThanThree: counted(answers)[200] > 3 }),
  },
  {
    id: 'budget-least',
    title: '`retry_budget` with `min_retry_concurrency: 1`: of eight failing calls one is retried',
    ...cap({ retry_budget: { budget_percent: { value: 0.1 }, min_retry_concurrency: 1 } }),
    drive: together(8),
    script: failing(8),
    route: { retry_policy: again },
    summary: ({ answers }) => ({ retried: counted(answers)[200] }),
  },
  {
    id: 'retries-0',
    title: '`max_retries: 0`: nothing is retried',
    ...cap({ max_retries: 0 }),
    drive: together(2),
    script: [503, 503, 200],
    route: { retry_policy: again },
    summary: results,
  },
  {
    id: 'retries-many',
    title: '`max_retries: 100`: all of twelve failing calls are retried',
    ...cap({ max_retries: 100 }),
    drive: together(12),
    script: [...Array(12).fill({ status: 503, delay: 250 }), 200],
    route: { retry_policy: again },
    summary: results,
  },
  {
    id: 'budget-only-least',
    title: '`retry_budget` with `min_retry_concurrency: 6` alone: of eight failing calls six are retried',
    ...cap({ retry_budget: { min_retry_concurrency: 6 } }),
    drive: together(8),
    script: failing(8),
    route: { retry_policy: again },
    summary: results,
  },
  {
    id: 'budget-zero',
    title: '`retry_budget` of 0 % with `min_retry_concurrency: 0`: nothing is retried',
    ...cap({ retry_budget: { budget_percent: { value: 0 }, min_retry_concurrency: 0 } }),
    drive: together(3),
    script: [...Array(3).fill(503), 200],
    route: { retry_policy: again },
    summary: results,
  },
  {
    id: 'requests-below-connections',
    title: '`max_requests: 2` below `max_connections: 4`: nothing waits',
    ...cap({ max_connections: 4, max_requests: 2, max_pending_requests: 5 }),
    drive: together(5),
    script: slow,
    summary: results,
  },
  {
    id: 'requests-above-connections',
    title: '`max_requests: 10` above `max_connections: 1`: one call waits',
    ...cap({ max_connections: 1, max_requests: 10, max_pending_requests: 1 }),
    drive: warm(4),
    script: slow,
    summary: results,
  },
  {
    id: 'requests-as-connections',
    title: '`max_requests: 1` and `max_connections: 1`: two calls wait',
    ...cap({ max_connections: 1, max_requests: 1, max_pending_requests: 2 }),
    drive: warm(4),
    script: slow,
    summary: results,
  },
  {
    id: 'first-thresholds',
    title: 'of two thresholds of the default priority the first counts',
    cluster: { circuit_breakers: { thresholds: [{ max_requests: 2 }, { max_requests: 4 }] } },
    drive: together(5),
    script: slow,
    summary: results,
  },
  {
    id: 'endpoints-requests',
    title: '`max_requests: 2` counts for three endpoints together',
    ...cap({ max_requests: 2 }),
    upstreams: [{}, {}, {}],
    drive: together(6),
    script: slow,
    summary: results,
  },
  {
    id: 'endpoints-connections',
    title: '`max_connections: 1` with two endpoints: each has one all the same',
    cluster: { lb_policy: 'ROUND_ROBIN', circuit_breakers: { thresholds: [{ max_connections: 1 }] } },
    upstreams: [{}, {}],
    drive: together(4),
    script: slow,
    summary: (o) => ({ ...results(o), connections: o.connections }),
  },
  {
    id: 'per-host',
    title: '`per_host_thresholds` with `max_connections: 1`: four calls',
    cluster: { circuit_breakers: { per_host_thresholds: [{ max_connections: 1 }] } },
    drive: together(4),
    script: slow,
    summary: (o) => ({ ...results(o), connections: o.connections }),
  },
  {
    id: 'per-host-endpoints',
    title: '`per_host_thresholds` with `max_connections: 1` and two endpoints: four calls',
    cluster: { lb_policy: 'ROUND_ROBIN', circuit_breakers: { per_host_thresholds: [{ max_connections: 1 }] } },
    upstreams: [{}, {}],
    drive: together(4),
    script: slow,
    summary: (o) => ({ ...results(o), connections: o.connections }),
  },
  {
    id: 'thresholds-object',
    title: '`thresholds` as one object in place of a list',
    cluster: { circuit_breakers: { thresholds: { max_connections: 1, max_pending_requests: 1 } } },
    drive: warm(4),
    script: slow,
    summary: results,
  },
  {
    id: 'high-only',
    title: 'thresholds of priority HIGH do not bind other calls',
    ...cap({ priority: 'HIGH', max_connections: 1, max_pending_requests: 1 }),
    drive: warm(4),
    script: slow,
    summary: results,
  },
  {
    id: 'high-route',
    title: 'a route of priority HIGH has the caps of that priority, and another those of the default one',
    cluster: {
      circuit_breakers: {
        thresholds: [{ max_requests: 2 }, { priority: 'HIGH', max_requests: 4, max_connections: 4 }],
      },
    },
    routes: (id) => [
      { match: { prefix: '/high' }, route: { cluster: id, priority: 'HIGH' } },
      { match: { prefix: '/' }, route: { cluster: id } },
    ],
    script: slow,
    drive: async (send) => {
      const high = await Promise.all(Array(6).fill({ path: '/high', client: 0 }).map(send));
      return [...high, ...(await Promise.all(Array(6).fill({ path: '/', client: 1 }).map(send)))];
    },
    summary: ({ answers }) => ({ high: counted(answers.slice(0, 6)), others: counted(answers.slice(6)) }),
  },
  {
    id: 'high-number',
    title: '`priority: 1` without thresholds of its own has the defaults',
    ...cap({ max_requests: 1 }),
    route: { priority: 1 },
    drive: together(5),
    script: slow,
    summary: results,
  },
  {
    id: 'camel',
    title: '`circuitBreakers` and `maxConnections` in camel case',
    cluster: { circuitBreakers: { thresholds: [{ maxConnections: 1, maxPendingRequests: 1 }] } },
    drive: warm(4),
    script: slow,
    summary: results,
  },
  {
    id: 'strings',
    title: 'caps written as strings',
    ...cap({ max_connections: '1', max_pending_requests: '1' }),
    drive: warm(4),
    script: slow,
    summary: results,
  },
  {
    id: 'wrapper',
    title: '`max_connections: { value: 1 }`',
    ...cap({ max_connections: { value: 1 } }),
    drive: together(4),
    script: slow,
    summary: (o) => ({ ...results(o), connections: o.connections }),
  },
  {
    id: 'priority-number',
    title: 'the default priority by its number',
    ...cap({ priority: 0, max_connections: 1 }),
    drive: together(4),
    script: slow,
    summary: (o) => ({ ...results(o), connections: o.connections }),
  },
  {
    id: 'two-routes',
    title: 'two routes of one cluster share its caps',
    ...cap({ max_connections: 1, max_pending_requests: 1 }),
    routes: (id) =>
      ['/a', '/b'].map((prefix, index) => ({ match: { prefix }, route: { cluster: id, timeout: `${index + 5}s` } })),
    script: slow,
    drive: async (send) => [
      await send({ path: '/a' }),
      ...(await Promise.all([0, 1, 2, 3].map((index) => send(index % 2 === 0 ? { path: '/a' } : { path: '/b' })))),
    ],
    summary: results,
  },
  {
    id: 'failing',
    title: 'thirty failing calls one after the other',
    script: [503],
    requests: Array(30).fill({}),
    summary: results,
  },
  {
    id: 'refused-often',
    title: 'thirty calls to a port that nobody listens on',
    upstreams: [{ kind: 'refused' }],
    requests: Array(30).fill({}),
    summary: results,
  },
];

export const limits = list.map((each) => ({ ...each, id: `limit-${each.id}`, group: 'limits' }));
