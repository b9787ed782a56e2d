/** Abort scopes: the signal that each call and each attempt runs under. */
import { CanceledError, type GenericAbortSignal, isAxiosError } from 'axios';
import { traceless, withCause } from './errors.js';
import type { Request } from './message.js';
import { processWide } from './process-wide.js';
import { Queue } from './queue.js';

type AbortListener = (() => void) | { handleEvent(): void };

/**
 * An abort signal of axios's `GenericAbortSignal` shape.
 * A native `AbortController` with one listener costs about 3 us on Node 20, this about 0.1 us, and a call needs three.
 */
export class Scope implements GenericAbortSignal {
  aborted = false;
  reason: unknown = undefined;
  readonly #parent: GenericAbortSignal | undefined;
  /** Most scopes have one or two listeners; the first in an array of its own would take 150 bytes. */
  #first: AbortListener | undefined = undefined;
  #others: AbortListener[] | undefined = undefined;
  readonly #onParent: AbortListener;

  /** Aborts with its parent, until `leave()`. */
  constructor(parent?: GenericAbortSignal) {
    this.#parent = parent;
    // A polyfill's signal may only take functions.
    this.#onParent = parent === undefined || parent instanceof Scope ? this : () => this.handleEvent();
    if (parent?.aborted) {
      this.aborted = true;
      this.reason = (parent as { reason?: unknown }).reason;
    } else parent?.addEventListener?.('abort', this.#onParent as () => void);
  }

  /** Called when the parent aborts. The scope itself is the listener, which saves a closure. */
  handleEvent(): void {
    this.abort((this.#parent as { reason?: unknown } | undefined)?.reason);
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const first = this.#first;
    const others = this.#others;
    this.#first = undefined;
    this.#others = undefined;
    if (first !== undefined) notify(first);
    others?.forEach(notify);
  }

  /** Stops listening to the parent, so that no listeners pile up on a signal that outlives the call. */
  leave(): void {
    this.#parent?.removeEventListener?.('abort', this.#onParent as () => void);
  }

  addEventListener(_type: 'abort', listener: AbortListener): void {
    if (this.#others !== undefined) this.#others.push(listener);
    else if (this.#first === undefined) this.#first = listener;
    else this.#others = [listener];
  }

  removeEventListener(_type: 'abort', listener: AbortListener): void {
    if (this.#first === listener) {
      this.#first = undefined;
      return;
    }
    const others = this.#others;
    if (others === undefined) return;
    // The listener removed is mostly the last one, and `pop` is cheaper: `splice` makes an array of what it removes.
    if (others[others.length - 1] === listener) others.pop();
    else if (others.includes(listener)) others.splice(others.indexOf(listener), 1);
  }
}

function notify(listener: AbortListener): void {
  if (typeof listener === 'function') listener();
  else listener.handleEvent();
}

/** The listeners for a signal that is not ours, and the one function that is registered on it. */
interface Followers {
  readonly listeners: Queue<AbortListener>;
  readonly tell: () => void;
}

/** A caller may use one signal for many calls: only one listener of ours is on it, however many calls there are. */
const followed = new WeakMap<GenericAbortSignal, Followers>();

/** Calls `listener` when the signal aborts, until the returned function is called. */
export function onAbort(signal: GenericAbortSignal, listener: AbortListener): () => void {
  if (signal instanceof Scope) {
    signal.addEventListener('abort', listener);
    return () => signal.removeEventListener('abort', listener);
  }
  const { listeners, tell } = followed.get(signal) ?? follow(signal);
  const place = listeners.add(listener);
  return () => {
    if (!listeners.remove(place) || listeners.size > 0 || followed.get(signal)?.listeners !== listeners) return;
    followed.delete(signal);
    signal.removeEventListener?.('abort', tell);
  };
}

function follow(signal: GenericAbortSignal): Followers {
  const listeners = new Queue<AbortListener>();
  const tell = () => listeners.items().forEach(notify);
  const followers = { listeners, tell };
  followed.set(signal, followers);
  signal.addEventListener?.('abort', tell);
  return followers;
}

/**
 * Aborts the scope when the caller's `signal` or `cancelToken` aborts; the returned function stops listening to both.
 */
export function linkCaller(config: Request, scope: Scope): () => void {
  const { signal, cancelToken } = config;
  if (signal === undefined && cancelToken === undefined) return nothingToUnlink;
  const cancel = () => {
    // axios drops the reason of an AbortSignal; it is kept as `cause`, since it shows whether a timeout or a user
    // aborted.
    const why = (signal as AbortSignal | undefined)?.reason;
    scope.abort(cancelToken?.reason ?? cancelled(config, why));
  };
  const token = cancelToken as unknown as
    | { subscribe(fn: () => void): void; unsubscribe(fn: () => void): void }
    | undefined;
  if (signal?.aborted) cancel();
  // An object that only looks like a signal may offer no way to listen; its `aborted` was checked once, above.
  const unfollow = signal && onAbort(signal as GenericAbortSignal, cancel);
  token?.subscribe(cancel);
  return () => {
    unfollow?.();
    token?.unsubscribe(cancel);
  };
}

function nothingToUnlink(): void {}

/** A real `AbortSignal` that follows `signal`, for code that is not ours (fetch insists on one). */
export function nativeSignal(signal: GenericAbortSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  const controller = new AbortController();
  ours.add(controller.signal);
  const abort = () => controller.abort((signal as { reason?: unknown }).reason);
  if (signal.aborted) abort();
  else signal.addEventListener?.('abort', abort);
  return controller.signal;
}

/** The native signals made here for scopes of ours: their reason is one of ours too. */
const ours = processWide('native signals', () => new WeakSet<GenericAbortSignal>());

/**
 * The error for a request whose `signal` was aborted. A reason of our own is returned as it is; a caller's reason
 * becomes the cause of axios's `CanceledError`, a new one for each request.
 */
export function abortError(signal: GenericAbortSignal, request: Request): Error {
  const reason = (signal as { reason?: unknown }).reason;
  if (isAxiosError(reason) && (signal instanceof Scope || ours.has(signal))) return reason;
  return cancelled(request, reason);
}

/** Where many calls are given up at once, the frames of this module in each error took a third of the time. */
function cancelled(request: Request, reason: unknown): Error {
  return traceless(() => withCause(new CanceledError(undefined, request), reason));
}
