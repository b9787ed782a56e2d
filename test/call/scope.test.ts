/** scope: a stretch of time that can be cut short. */
import { getEventListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import { CanceledError, isCancel } from 'axios';
import { PillionError } from 'pillion';
import { describe, expect, it, vi } from 'vitest';
import { abortError, nativeSignal, Scope } from '../../src/call/scope.js';
import { bounded } from '../../src/call/time-limit.js';
import { aRequest, ended, outcomeOf } from '../policies/alone.js';
import { fakeTimers } from '../support/clock.js';

const late = () => new PillionError('ERR_DEADLINE', 'late');
const answer = (data: unknown = '') => ({ data, status: 200, statusText: '', headers: {}, config: aRequest() });

describe('a Scope', () => {
  it('aborts once, with its first reason', () => {
    const scope = new Scope();
    const heard: unknown[] = [];
    scope.addEventListener('abort', () => heard.push(scope.reason));
    scope.abort('first');
    scope.abort('second');
    expect({ aborted: scope.aborted, reason: scope.reason, heard }).toEqual({
      ...{ aborted: true, reason: 'first', heard: ['first'] },
    });
  });

  it('tells functions and objects, in the order they came', () => {
    const scope = new Scope();
    const heard: string[] = [];
    scope.addEventListener('abort', () => heard.push('a function'));
    scope.addEventListener('abort', { handleEvent: () => heard.push('an object') });
    scope.abort(undefined);
    expect(heard).toEqual(['a function', 'an object']);
  });

  it('does not tell a listener that was taken away', () => {
    const scope = new Scope();
    const heard: string[] = [];
    const listener = () => heard.push('taken away');
    scope.addEventListener('abort', listener);
    scope.removeEventListener('abort', listener);
    scope.removeEventListener('abort', () => heard.push('never there'));
    scope.abort(undefined);
    expect(heard).toEqual([]);
  });

  it('aborts with its parent, whose reason it takes', () => {
    const parent = new Scope();
    const child = new Scope(new Scope(parent));
    parent.abort('the reason');
    expect([child.aborted, child.reason]).toEqual([true, 'the reason']);
  });

  it('leaves its parent alone when it aborts itself', () => {
    const parent = new Scope();
    new Scope(parent).abort('mine');
    expect(parent.aborted).toBe(false);
  });

  it('is aborted from the start where its parent is', () => {
    const parent = new Scope();
    parent.abort('before');
    expect(new Scope(parent)).toMatchObject({ aborted: true, reason: 'before' });
    expect(new Scope(AbortSignal.abort('before'))).toMatchObject({ aborted: true, reason: 'before' });
  });

  it('follows a native signal, and leaves nothing on it when it lets go', () => {
    const { signal } = new AbortController();
    const scope = new Scope(signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    scope.leave();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('no longer follows a parent it has left', () => {
    const parent = new Scope();
    const child = new Scope(parent);
    child.leave();
    parent.abort('late');
    expect(child.aborted).toBe(false);
  });
});

describe('nativeSignal', () => {
  it('is a real AbortSignal that follows a scope, with its reason', () => {
    const scope = new Scope();
    const signal = nativeSignal(scope);
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(signal.aborted).toBe(false);
    scope.abort('the reason');
    expect([signal.aborted, signal.reason]).toEqual([true, 'the reason']);
  });

  it('is aborted where the scope is, and a native signal is itself', () => {
    const scope = new Scope();
    scope.abort('before');
    expect(nativeSignal(scope)).toMatchObject({ aborted: true, reason: 'before' });
    const { signal } = new AbortController();
    expect(nativeSignal(signal)).toBe(signal);
  });
});

describe('abortError', () => {
  it('is the reason where that is an error of axios or of this library', () => {
    for (const reason of [late(), new CanceledError('by hand')]) {
      const scope = new Scope();
      scope.abort(reason);
      expect(abortError(scope, aRequest())).toBe(reason);
    }
  });

  it("is axios's cancellation for any other reason, which is its cause", () => {
    const reason = new Error('the user went away');
    const error = abortError(AbortSignal.abort(reason), aRequest());
    expect(isCancel(error)).toBe(true);
    expect(error.cause).toBe(reason);
  });

  it('has no cause where there was no reason', () => {
    const scope = new Scope();
    scope.abort(undefined);
    expect(abortError(scope, aRequest()).cause).toBeUndefined();
  });
});

describe('bounded', () => {
  fakeTimers();

  const limit = { until: 'body', expired: late } as const;
  const ms = 1000;

  it('does not begin what was aborted before', async () => {
    let begun = false;
    const next = async () => {
      begun = true;
      return answer();
    };
    const { error } = await ended(bounded(next, aRequest({ signal: AbortSignal.abort() }), ms, limit));
    expect([isCancel(error), begun, vi.getTimerCount()]).toEqual([true, false, 0]);
  });

  it.each<[string, unknown]>([
    ['nothing at all', undefined],
    ['null', null],
    ['an error whose response is null', Object.assign(new Error('lost'), { response: null })],
  ])('rejects at once with %s, where that is what it was given', async (_, thrown) => {
    const settled = vi.fn();
    bounded(() => Promise.reject(thrown), aRequest(), ms, limit).catch(settled);
    await vi.advanceTimersByTimeAsync(0);
    expect(settled.mock.calls).toEqual([[thrown]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('makes no error while nothing expires', async () => {
    const expired = vi.fn(late);
    await ended(bounded(async () => answer(), aRequest(), ms, { ...limit, expired }));
    await vi.advanceTimersByTimeAsync(5000);
    expect(expired).not.toHaveBeenCalled();
  });

  it('lets go of the signal of the caller with the answer, the failure and the expiry', async () => {
    const { signal } = new AbortController();
    const request = aRequest({ signal });
    await ended(bounded(async () => answer(), request, ms, limit));
    await ended(bounded(() => Promise.reject(new Error('failed')), request, ms, limit));
    await ended(bounded(() => new Promise(() => {}), request, ms, limit));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('keeps the signal while the body of a stream comes, and lets go when it is over', async () => {
    const { signal } = new AbortController();
    const body = new PassThrough();
    await ended(bounded(async () => answer(body), aRequest({ signal }), ms, limit));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    body.end().resume();
    await vi.advanceTimersByTimeAsync(0);
    expect(body.closed).toBe(true);
    expect([getEventListeners(signal, 'abort'), vi.getTimerCount()]).toEqual([[], 0]);
  });

  it('ends the body when the caller aborts while it comes', async () => {
    const controller = new AbortController();
    const body = new PassThrough();
    await ended(bounded(async () => answer(body), aRequest({ signal: controller.signal }), ms, limit));
    const failed = new Promise((resolve) => body.on('error', resolve));
    controller.abort();
    expect(isCancel(await failed)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends a body nobody reads without an error: one that nobody handles would end the process', async () => {
    const body = new PassThrough();
    await ended(bounded(async () => answer(body), aRequest(), ms, limit));
    await vi.advanceTimersByTimeAsync(1000);
    expect([body.destroyed, body.errored]).toEqual([true, null]);
  });

  it('settles once where the answer and the expiry come in the same instant', async () => {
    const next = () => new Promise<ReturnType<typeof answer>>((resolve) => setTimeout(() => resolve(answer()), 1000));
    const outcome = outcomeOf(bounded(next, aRequest(), ms, limit));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await outcome).toMatchObject({ code: 'ERR_DEADLINE', ms: 1000 });
  });
});
