/** Callers who give up: by a signal, a cancel token or a timeout, at a moment of their plan. */
import axios from 'axios';

/** The options that the call is made with; `reached(moment)` is told how far it is. */
export function abortOf({ abort, signalShared }, { patient }) {
  const own = abort.by === 'signal' ? new AbortController() : undefined;
  const source = abort.by === 'token' ? axios.CancelToken.source() : undefined;
  let timer;
  const fire = () => {
    own?.abort();
    source?.cancel();
  };
  const options = {
    ...(own !== undefined && { signal: own.signal }),
    // Many calls on one signal that never fires.
    ...(own === undefined && signalShared && { signal: patient }),
    ...(source !== undefined && { cancelToken: source.token }),
    ...(abort.by === 'timeout' && { timeout: abort.ms }),
  };
  const begun = { sync: (work) => work(), microtask: queueMicrotask, immediate: setImmediate };
  if (abort.moment === 'before') fire();
  return {
    options,
    total: abort.by === 'total' ? abort.ms : undefined,
    begun() {
      begun[abort.moment]?.(fire);
      if (abort.moment === 'ms') timer = setTimeout(fire, abort.ms);
    },
    reached: (moment) => moment === abort.moment && fire(),
    over: () => clearTimeout(timer),
  };
}
