/** What is allowed and still likely a mistake: the warnings of `pillion check`. */

import type { Config } from '../../client/config/config.js';
import { sectionsWithoutEffect } from '../../client/config/traffic.js';
import type { OptionFault } from '../../options/options.js';
import type { Path } from '../../registry/file/document.js';

/** Without its name, which no rule is about. */
type Rules = Omit<Config, 'name'>;
type Rule = (config: Rules) => readonly (OptionFault | false | undefined)[];

/** Every warning about one client. Nothing is said of what depends on an option that is wrong and so is `without`. */
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

/** Tells of each option that is read. */
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
  timeouts === false && warn('timeouts', 'without timeouts a call may wait for ever'),
  timeouts &&
    timeouts.total === false &&
    warn('timeouts.total', 'without a total a call with retries may take very long'),
];

const hanging: Rule = ({ timeouts, retry }) => [
  timeouts &&
    timeouts.attempt === false &&
    retry !== false &&
    warn(
      'timeouts.attempt',
      'without it one hanging attempt takes all the time of its call, and none is left for a retry',
    ),
];

const connecting: Rule = ({ timeouts }) => [
  timeouts &&
    timeouts.connect !== false &&
    timeouts.attempt !== false &&
    timeouts.connect > timeouts.attempt &&
    warn('timeouts.connect', 'is longer than timeouts.attempt, which ends the attempt first'),
];

/** Of 5 or 1.5 somebody mostly thinks in seconds. */
const tiny = (name: 'total' | 'attempt'): Rule => {
  return ({ timeouts }) => {
    if (timeouts === false) return [];
    const ms = timeouts[name];
    // The shorter of its default and the total.
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

/** As many attempts as the retries ask for, each ending by its timeout, with the mean of each wait. */
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
    // A retry is of use only where it has at least a good part of its time.
    if (spent + attempt / 2 > total) return retry;
    spent += attempt;
  }
  return maxRetries;
}

const budget: Rule = ({ retry }) => {
  if (retry === false || retry.maxRetries === 0) return [];
  const { budget } = retry;
  const none = budget !== false && budget.ratio < 0.001 && budget.minPerSecond < 0.1;
  return [
    none && warn('retry.budget', 'allows next to no retry; retry: false says so'),
    budget !== false &&
      budget.ratio >= retry.maxRetries &&
      warn('retry.budget.ratio', `allows every call all of its ${retry.maxRetries} retries, so it limits nothing`),
    budget === false && warn('retry.budget', 'without a budget retries multiply the load of an upstream that fails'),
  ];
};

const noRetries: Rule = ({ retry }) => [
  retry !== false &&
    retry.maxRetries > 0 &&
    retry.maxConcurrentRetries === 0 &&
    warn('retry.maxConcurrentRetries', 'allows no retry at all; retry: false says so'),
];

/** As .NET's standard handler: a window has to see more than one generation of attempts. */
const circuit: Rule = ({ circuitBreaker, timeouts }) => {
  if (circuitBreaker === false || timeouts === false || timeouts.attempt === false) return [];
  const short = circuitBreaker.rollingWindow < 2 * timeouts.attempt;
  return [
    short &&
      warn(
        'circuitBreaker.rollingWindow',
        'is shorter than two attempts, so it sees too few outcomes of a slow upstream',
      ),
  ];
};

const trust: Rule = ({ tls }) => [
  tls?.rejectUnauthorized === false &&
    warn('tls.rejectUnauthorized', 'accepts any server, so anybody in between can read and change calls'),
];

const unused: Rule = ({ tls, baseURL }) => [
  tls !== undefined && isHttp(baseURL) && warn('tls', 'has no effect on a baseURL of http'),
];

const isHttp = (baseURL: string | undefined) => baseURL !== undefined && new URL(baseURL).protocol === 'http:';

const isLoopback = (baseURL: string | undefined) =>
  baseURL !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(baseURL).hostname);

const credentials: Rule = ({ headers, baseURL, allowAbsoluteUrls }) => {
  const name = Object.keys(headers).find((each) => /^(authorization|cookie|.*(api-?key|token|secret).*)$/i.test(each));
  if (name === undefined) return [];
  const open = isHttp(baseURL) && !isLoopback(baseURL);
  return [
    allowAbsoluteUrls &&
      warn('allowAbsoluteUrls', `lets calls leave for other hosts, and the header ${name} with them`),
    baseURL === undefined && warn('headers', `without a baseURL the header ${name} goes to whatever host a call names`),
    open && warn('baseURL', `the header ${name} travels over http, readable on its way`),
  ];
};

/** A file does not know of `deps.discovery`, nor where it will be used. */
const withoutEffect: Rule = ({ endpoints, balance, outlierDetection, healthCheck }) =>
  sectionsWithoutEffect({ endpoints, balance, outlierDetection, healthCheck }).map(({ section }) =>
    warn(section, 'has no effect without endpoints (or a Discovery in deps)'),
  );

const hedges: Rule = ({ hedging, timeouts }) => [
  hedging?.delay !== undefined &&
    timeouts !== false &&
    timeouts.attempt !== false &&
    hedging.delay >= timeouts.attempt &&
    warn('hedging.delay', 'is not shorter than timeouts.attempt, so no attempt ever gets company'),
];

const faults: Rule = ({ fault }) => [
  fault?.allowInProduction === true && warn('fault.allowInProduction', 'makes failures in production too'),
];

const splits: Rule = ({ split }) => unreachable(split);

/** A rule without a match takes every call, and leaves none for those after it. */
function unreachable(split: Config['split']): OptionFault[] {
  const all = split?.findIndex(({ match }) => match === undefined) ?? -1;
  if (split === undefined || all < 0) return [];
  return split
    .slice(all + 1)
    .map((_, index) => warn(`split.${all + 1 + index}`, 'is never reached: a rule before it matches every call'));
}

const rules: readonly Rule[] = [
  ...[endless, hanging, connecting, tiny('total'), tiny('attempt'), retriesFit, budget, noRetries, circuit],
  ...[trust, unused, credentials, hedges, faults, splits, withoutEffect],
];
