/** Refuses dependencies that would have no effect, with a message that says where they belong. */
import { ownOf } from '../call/own.js';
import { axiosOptions } from '../options/foreign-names.js';
import { badOptions, type OptionFault } from '../options/options.js';
import { clientOptions } from './config/config.js';
import type { HttpClientDeps } from './http-client.js';

const known: Readonly<Record<keyof HttpClientDeps, true>> = {
  ...{ transport: true, logger: true, axios: true, random: true },
  ...{ retry: true, identity: true, discovery: true, perCall: true, perAttempt: true },
};

const ofConfig = 'belongs to the configuration, the first argument; set it there';

/** The defaults of axios that a client sets itself. */
const ownDefaults: Readonly<Record<string, string>> = {
  adapter: 'belongs to deps.transport, which is called once per attempt; set it there',
  baseURL: ofConfig,
  maxRedirects: ofConfig,
  allowAbsoluteUrls: ofConfig,
  proxy:
    "is an option of a single call, or of an instance under usePolicies; for the environment's proxy set proxy: 'env' in the configuration",
};

/** @throws PillionError `ERR_CONFIG` with every dependency that is unknown, and every default in `axios` without effect */
export function checkDeps(deps: object, what: string): void {
  const given = (holder: object) => Object.keys(holder).filter((name) => holder[name as never] !== undefined);
  const { axios, transport, random, logger } = ownOf(deps) as HttpClientDeps;
  const functions = Object.entries({ transport, random }).filter(([, each]) => each && typeof each !== 'function');
  const faults: OptionFault[] = [
    ...functions.map(([name]) => ({ path: ['deps', name], message: 'expected a function' })),
    ...(logger && !isLogger(logger)
      ? [{ path: ['deps', 'logger'], message: "expected a logger with pino's methods debug, info, warn and error" }]
      : []),
    ...given(deps).flatMap((name) => (name in known ? [] : [{ path: ['deps', name], message: placeOf(name) }])),
    ...given(axios ?? {}).flatMap((name) => {
      const message = Object.hasOwn(ownDefaults, name) ? ownDefaults[name] : undefined;
      return message === undefined ? [] : [{ path: ['deps', 'axios', name], message }];
    }),
  ];
  if (faults.length > 0) throw badOptions(faults, what);
}

function placeOf(name: string): string {
  if (Object.hasOwn(ownDefaults, name)) return ownDefaults[name] ?? '';
  if (name === 'name' || clientOptions().includes(name)) return ofConfig;
  if (axiosOptions.has(name)) return 'is an option of axios; set it in deps.axios';
  return `unknown dependency (known: ${Object.keys(known).join(', ')})`;
}

function isLogger(logger: object): boolean {
  return ['debug', 'info', 'warn', 'error'].every(
    (name) => typeof (logger as Record<string, unknown>)[name] === 'function',
  );
}
