/** The warnings of `pillion check`: options that are valid but likely a mistake. */

import type { Config } from '../../client/config/config.js';
import { sectionsWithoutEffect } from '../../client/config/traffic.js';
import type { OptionFault } from '../../options/options.js';
import type { Path } from '../../registry/file/document.js';

type Rules = Omit<Config, 'name'>;
type Rule = (config: Rules) => readonly (OptionFault | false | undefined)[];

/**
 * Every warning about one client. A rule that reads one of the paths in `without` (invalid options left out) is
 * skipped.
 */
export function warningsOf(config: Rules, without: readonly Path[] = []): OptionFault[] {
  return rules.flatMap((rule) => judged(rule, config, without)).filter((each) => typeof each === 'object');
}

function judged(rule: Rule, config: Rules, without: readonly Path[]): ReturnType<Rule> {
  const gone = new Set(without.map((path) => JSON.stringify(path)));
  let blind = false;
  const seen = watched(config, [], (path) => {
    blind ||= gone.has(JSON.stringify(path));
  });
  const said = rule(seen);
  return blind ? [] : said;
}

/** A proxy of `options` that calls `read` with the path of each option a rule reads. */
function watched<T extends object>(options: T, at: Path, read: (path: Path) => void): T {
  return new Proxy(options, {
    get: (target, key) => {
      const path = [...at, key];
      read(path);
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? watched(value, path, read) : value;
    },
  });
}

const warn = (path: string, message: string): OptionFault => ({ path: path.split('.'), message });

const endless: Rule = ({ timeouts }) => [
  timeouts === false && warn('timeouts', 'without timeouts a call may wait forever; set timeouts.total'),
  timeouts &&
    timeouts.total === false &&
    warn('timeouts.total', 'without a limit for the whole call, retries may make it very long'),
];

const hanging: Rule = ({ timeouts, retry }) => [
  timeouts &&
    timeouts.attempt === false &&
    retry !== false &&
    warn(
      'timeouts.attempt',
      'without it one hanging attempt uses up the time of the whole call, and none is left for a retry',
    ),
];

const connecting: Rule = ({ timeouts }) => [
  timeouts &&
    timeouts.connect !== false &&
    timeouts.attempt !== false &&
    timeouts.connect > timeouts.attempt &&
    warn('timeouts.connect', 'is longer than timeouts.attempt, which ends the attempt first'),
];

/** A value below 10, such as 5 or 1.5, was most likely meant as seconds. */
const tiny = (name: 'total' | 'attempt'): Rule => {
  return ({ timeouts }) => {
    if (timeouts === false) return [];
    const ms = timeouts[name];
    // Not written by the user: an attempt's default is capped by the total, which is warned about itself.
    const derived = name === 'attempt' && ms === timeouts.total;
    if (ms === false || ms >= 10 || derived) return [];
    return [
      warn(
        `timeouts.${name}`,
        `is ${ms} ms, too short for most calls: a plain number is milliseconds; for seconds write "${ms}s"`,
      ),
    ];
  };
};

/** Assumes that every attempt ends by its timeout and that every backoff takes its mean, half of its upper bound. */
const retriesFit: Rule = ({ timeouts, retry }) => {
  if (timeouts === false || retry === false || retry.maxRetries === 0) return [];
  const { total, attempt } = timeouts;
  if (total === false || attempt === false) return [];
  const fitting = retriesWithin(total, attempt, retry);
  if (fitting >= retry.maxRetries) return [];
  const some = fitting === 0 ? 'no retry fits' : `only ${fitting} of ${retry.maxRetries} retries fit`;
  return [
    warn('retry.maxRetries', `where attempts time out after ${attempt} ms, ${some} into timeouts.total of ${total} ms`),
  ];
};

type Retry = Exclude<Config['retry'], false>;

function retriesWithin(total: number, attempt: number, { maxRetries, backoff }: Retry): number {
  let spent = attempt;
  for (let retry = 0; retry < maxRetries; retry++) {
    spent += Math.min(backoff.max, backoff.base * 2 ** retry) / 2;
    // A retry counts as fitting when at least half of its timeout is left.
    if (spent + attempt / 2 > total) return retry;
    spent += attempt;
  }
  return maxRetries;
}

const budget: Rule = ({ retry, limits }) => {
  if (retry === false || retry.maxRetries === 0) return [];
  const { budget } = retry;
  const none = budget !== false && budget.ratio < 0.001 && budget.minPerSecond < 0.1;
  return [
    none && warn('retry.budget', 'allows almost no retries; to switch retries off, write retry: false'),
    budget !== false &&
      budget.ratio >= retry.maxRetries &&
      warn('retry.budget.ratio', `allows all ${retry.maxRetries} retries of every call, so it limits nothing`),
    budget === false &&
      !areFew(retry.maxConcurrentRetries, limits) &&
      warn('retry.budget', 'without a budget, retries multiply the load on a failing upstream'),
  ];
};

/** True where retries at once are at most a quarter of the load: they cannot multiply it, as in an imported client. */
function areFew(most: Exclude<Rules['retry'], false>['maxConcurrentRetries'], limits: Rules['limits']): boolean {
  if (typeof most === 'object') return most.ratio <= 0.25;
  return limits !== false && most <= limits.maxRequests / 4;
}

const noRetries: Rule = ({ retry }) => [
  retry !== false &&
    retry.maxRetries > 0 &&
    retry.maxConcurrentRetries === 0 &&
    warn('retry.maxConcurrentRetries', 'allows no retries at all; to switch retries off, write retry: false'),
];

/** The window has to cover at least two attempts in a row; .NET's standard resilience handler has the same rule. */
const circuit: Rule = ({ circuitBreaker, timeouts }) => {
  if (circuitBreaker === false || timeouts === false || timeouts.attempt === false) return [];
  const short = circuitBreaker.rollingWindow < 2 * timeouts.attempt;
  return [
    short &&
      warn(
        'circuitBreaker.rollingWindow',
        'is shorter than two attempt timeouts, so it counts too few outcomes of a slow upstream',
      ),
  ];
};

const trust: Rule = ({ tls }) => [
  tls?.rejectUnauthorized === false &&
    warn(
      'tls.rejectUnauthorized',
      'accepts any server certificate, so anyone on the network path can read and change calls',
    ),
];

const unused: Rule = ({ tls, baseURL }) => [
  tls !== undefined && isHttp(baseURL) && warn('tls', 'has no effect because baseURL is http'),
];

const isHttp = (baseURL: string | undefined) => baseURL !== undefined && new URL(baseURL).protocol === 'http:';

const isLoopback = (baseURL: string | undefined) =>
  baseURL !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(baseURL).hostname);

const credentials: Rule = ({ headers, requestHeaders, baseURL, allowAbsoluteUrls }) => {
  const names = [headers, requestHeaders?.set, requestHeaders?.add].flatMap((each) => Object.keys(each ?? {}));
  const name = names.find((each) => /^(authorization|cookie|.*(api-?key|token|secret).*)$/i.test(each));
  if (name === undefined) return [];
  const open = isHttp(baseURL) && !isLoopback(baseURL);
  return [
    allowAbsoluteUrls &&
      warn('allowAbsoluteUrls', `lets calls go to other hosts, and the header ${name} is sent there too`),
    baseURL === undefined &&
      warn('headers', `without a baseURL the header ${name} is sent to any host that a call names`),
    open && warn('baseURL', `the header ${name} is sent over http, readable by anyone on the network path`),
  ];
};

/** Only a warning, since a file cannot show whether the service passes `deps.discovery`. */
const withoutEffect: Rule = ({ endpoints, balance, outlierDetection, healthCheck }) =>
  sectionsWithoutEffect({ endpoints, balance, outlierDetection, healthCheck }).map(({ section }) =>
    warn(section, 'has no effect without endpoints (or a Discovery in deps)'),
  );

/** Options that only count together with another one. */
const alone: Rule = ({ limits, endpoints, connections, allowH2, balance, healthCheck, outlierDetection }) => [
  limits !== false &&
    limits.per === 'origin' &&
    endpoints === undefined &&
    warn('limits.per', 'has no effect without endpoints (or a Discovery in deps)'),
  connections.maxConcurrentStreams !== undefined &&
    allowH2 === false &&
    warn('connections.maxConcurrentStreams', 'has no effect without HTTP/2; set allowH2'),
  balance !== undefined &&
    balance.strategy !== 'hash' &&
    (balance.hashOn !== undefined || balance.hashHeader !== undefined) &&
    warn(
      balance.hashOn === undefined ? 'balance.hashHeader' : 'balance.hashOn',
      'has no effect unless balance.strategy is hash',
    ),
  healthCheck?.endsEjection === true &&
    outlierDetection === undefined &&
    warn('healthCheck.endsEjection', 'has no effect without outlierDetection'),
];

/** The changes apply in the order `remove`, `replace`, `set`: what comes before `set` for the same header shows nowhere. */
const overridden: Rule = ({ requestHeaders }) => {
  const { remove = [], replace = {}, set = {} } = requestHeaders ?? {};
  const last = new Set(Object.keys(set).map((name) => name.toLowerCase()));
  const isSet = (name: string) => last.has(name.toLowerCase());
  return [
    ...remove.filter(isSet).map((name) => warn('requestHeaders.remove', `of ${name} has no effect: set gives it anew`)),
    ...Object.keys(replace)
      .filter(isSet)
      .map((name) => warn('requestHeaders.replace', `of ${name} has no effect: set gives it in any case`)),
  ];
};

const answered: Rule = ({ routes = [] }) =>
  routes.flatMap(({ directResponse, match: _, ...others }, index) =>
    directResponse === undefined
      ? []
      : Object.entries(others)
          .filter(([, value]) => value !== undefined)
          .map(([name]) => warn(`routes.${index}.${name}`, 'has no effect beside directResponse: nothing is sent')),
  );

const hedges: Rule = ({ hedging, timeouts }) => [
  hedging?.delay !== undefined &&
    timeouts !== false &&
    timeouts.attempt !== false &&
    hedging.delay >= timeouts.attempt &&
    warn('hedging.delay', 'is not shorter than timeouts.attempt, so a hedge is never sent'),
];

const faults: Rule = ({ fault }) => [
  fault?.allowInProduction === true && warn('fault.allowInProduction', 'injects faults in production too'),
];

const unreachable: Rule = ({ split, routes }) => [...afterAll('split', split), ...afterAll('routes', routes)];

/** A rule without a `match` takes every call, so the rules after it are never used. */
function afterAll(section: string, rules: readonly { match?: unknown }[] = []): OptionFault[] {
  const all = rules.findIndex(({ match }) => match === undefined);
  if (all < 0) return [];
  return rules
    .slice(all + 1)
    .map((_, index) => warn(`${section}.${all + 1 + index}`, 'is never reached: a rule before it matches every call'));
}

const rules: readonly Rule[] = [
  ...[endless, hanging, connecting, tiny('total'), tiny('attempt'), retriesFit, budget, noRetries, circuit],
  ...[trust, unused, credentials, hedges, faults, unreachable, withoutEffect],
  ...[alone, overridden, answered],
];
