/** The addresses at which this process is a proxy itself: a call that went there would come back for ever. */
import { processWide } from '../call/process-wide.js';

const own = processWide('own proxies', () => new Map<string, number>());

/** Notes an address, `http://127.0.0.1:15001`; the function returned takes it back. */
export function noteOwnProxy(origin: string): () => void {
  own.set(origin, (own.get(origin) ?? 0) + 1);
  return () => {
    const rest = (own.get(origin) ?? 1) - 1;
    if (rest > 0) own.set(origin, rest);
    else own.delete(origin);
  };
}

/** True for the URL of a proxy, from the environment, that is this process; `localhost` may be any loopback address. */
export function isOwnProxy(proxy: string): boolean {
  return own.size > 0 && isOwnAddress(new URL(proxy));
}

/** The same for a URL that is parsed already. */
export function isOwnAddress({ hostname, port, protocol }: Pick<URL, 'hostname' | 'port' | 'protocol'>): boolean {
  if (hostname !== 'localhost') return own.has(`${protocol}//${hostname}:${port || 80}`);
  return ['127.0.0.1', '[::1]'].some((address) => own.has(`${protocol}//${address}:${port || 80}`));
}
