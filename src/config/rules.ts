/** What is allowed and still likely a mistake: the warnings of `pillion check`. */
import type { OptionFault } from '../options.js';
import type { Config } from './schema.js';
import { sectionsWithoutEffect } from './traffic.js';

type Rule = (config: Config) => readonly (OptionFault | false | undefined)[];

/** Every warning about one client. */
export function warningsOf(config: Config): OptionFault[] {
  return rules.flatMap((rule) => rule(config)).filter((each) => typeof each === 'object');
}

const warn = (path: string, message: string): OptionFault => ({ path: path.split('.'), message });

const waits: Rule = ({ timeouts, retry }) => [
  timeouts === false && warn('timeouts', 'without timeouts a call may wait for ever'),
  timeouts &&
    timeouts.total === false &&
    warn('timeouts.total', 'without a total a call with retries may take very long'),
  timeouts &&
    timeouts.attempt === false &&
    retry !== false &&
    warn(
      'timeouts.attempt',
      'without it one hanging attempt takes all the time of its call, and none is left for a retry',
    ),
  timeouts &&
    timeouts.connect !== false &&
    timeouts.attempt !== false &&
    timeouts.connect > timeouts.attempt &&
    warn('timeouts.connect', 'is longer than timeouts.attempt, which ends the attempt first'),
];

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

const budget: Rule = ({ retry, limits }) => {
  if (retry === false || retry.maxRetries === 0) return [];
  const { budget } = retry;
  const none = budget !== false && budget.ratio < 0.001 && budget.minPerSecond < 0.1;
  return [
    none && warn('retry.budget', 'allows next to no retry; retry: false says so'),
    limits !== false &&
      limits.maxRetries === 0 &&
      warn('limits.maxRetries', 'allows no retry at all; retry: false says so'),
    budget !== false &&
      budget.ratio >= retry.maxRetries &&
      warn('retry.budget.ratio', `allows every call all of its ${retry.maxRetries} retries, so it limits nothing`),
    budget === false && warn('retry.budget', 'without a budget retries multiply the load of an upstream that fails'),
  ];
};

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

const trust: Rule = ({ tls, baseURL }) => [
  tls?.rejectUnauthorized === false &&
    warn('tls.rejectUnauthorized', 'accepts any server, so anybody in between can read and change calls'),
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
const withoutEffect: Rule = (config) =>
  sectionsWithoutEffect({ ...config, fault: undefined }).map(({ section }) =>
    warn(section, 'has no effect without endpoints (or a Discovery in deps)'),
  );

const traffic: Rule = ({ hedging, timeouts, fault, split }) => [
  hedging?.delay !== undefined &&
    timeouts !== false &&
    timeouts.attempt !== false &&
    hedging.delay >= timeouts.attempt &&
    warn('hedging.delay', 'is not shorter than timeouts.attempt, so no attempt ever gets company'),
  fault?.allowInProduction === true && warn('fault.allowInProduction', 'makes failures in production too'),
  ...unreachable(split),
];

/** A rule without a match takes every call, and leaves none for those after it. */
function unreachable(split: Config['split']): OptionFault[] {
  const all = split?.findIndex(({ match }) => match === undefined) ?? -1;
  if (split === undefined || all < 0) return [];
  return split
    .slice(all + 1)
    .map((_, index) => warn(`split.${all + 1 + index}`, 'is never reached: a rule before it matches every call'));
}

const rules: readonly Rule[] = [waits, retriesFit, budget, circuit, trust, credentials, traffic, withoutEffect];
