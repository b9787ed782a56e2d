/** Wraps the caller's transforms and adapters, so that an exception in them becomes an AxiosError of its call. */
import axios, { type AxiosAdapter, AxiosError, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { conceal } from '../../call/conceal.js';
import { asAxiosError } from '../../call/errors.js';
import type { Request, Response } from '../../call/message.js';
import { ownValue } from '../../call/own.js';

type Transform = (this: Request, data: unknown, headers: unknown, status?: number) => unknown;

const guardedTransforms = new WeakMap<Transform, Transform>();
const guardedAdapters = new WeakMap<AxiosAdapter, AxiosAdapter>();

/** Returns the call with guarded transforms and adapter; `stack`, our own adapter, needs no guard. */
export function guarded(call: AxiosRequestConfig, defaults: object, stack: unknown): AxiosRequestConfig {
  const given = (name: string) => ownValue(call, name) ?? ownValue(defaults, name);
  const adapter = given('adapter');
  return {
    ...call,
    ...transforms('transformRequest', given('transformRequest')),
    ...transforms('transformResponse', given('transformResponse')),
    ...(typeof adapter === 'function' &&
      adapter !== stack && {
        adapter: once(adapter as AxiosAdapter, guardAdapter, guardedAdapters),
      }),
  };
}

function transforms(name: string, given: unknown): object | undefined {
  if (typeof given === 'function') return { [name]: once(given as Transform, guardTransform, guardedTransforms) };
  return Array.isArray(given)
    ? { [name]: given.map((each) => once(each as Transform, guardTransform, guardedTransforms)) }
    : undefined;
}

/** Makes one guard per function and reuses it; a guard itself is returned as it is. */
function once<Given extends object>(given: Given, guard: (given: Given) => Given, made: WeakMap<Given, Given>): Given {
  if (typeof given !== 'function') return given;
  const known = made.get(given);
  if (known !== undefined) return known;
  const guarding = guard(given);
  made.set(given, guarding).set(guarding, guarding);
  return guarding;
}

function guardTransform(transform: Transform): Transform {
  return function guardedTransform(data, headers, status) {
    try {
      return transform.call(this, data, headers, status);
    } catch (thrown) {
      const code = status === undefined ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
      throw asAxiosError(thrown, code, this, ownValue(this, 'response') as Response | undefined);
    }
  };
}

function guardAdapter(adapter: AxiosAdapter): AxiosAdapter {
  return async function guardedAdapter(config) {
    try {
      return await adapter(config);
    } catch (thrown) {
      throw asAxiosError(thrown, AxiosError.ERR_BAD_REQUEST, config);
    }
  };
}

/**
 * Makes an AxiosError of the exception that axios throws, before any interceptor, for a config it cannot copy, such as
 * circular data.
 */
export async function copied(
  answer: Promise<AxiosResponse>,
  call: AxiosRequestConfig,
  defaults: object,
): Promise<AxiosResponse> {
  try {
    return await answer;
  } catch (error) {
    if (axios.isAxiosError(error) || canBeCopied(call, defaults)) throw error;
    throw conceal(asAxiosError(error, AxiosError.ERR_BAD_REQUEST, call as Request));
  }
}

function canBeCopied(call: AxiosRequestConfig, defaults: object): boolean {
  try {
    axios.mergeConfig(defaults, call);
    return true;
  } catch {
    return false;
  }
}
