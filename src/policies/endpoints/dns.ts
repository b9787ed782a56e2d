/** Endpoints by DNS: looked up again and again in the background, so that no request ever waits for it. */
import dns from 'node:dns';
import { isIP } from 'node:net';
import type { Discovery } from './discovery.js';
import type { DiscoveredEndpoint } from './host.js';

interface DnsOptions {
  readonly address: string;
  readonly refresh: number | 'ttl';
  readonly family: 'any' | 'ipv4' | 'ipv6';
  readonly servers?: readonly string[] | undefined;
}

interface SrvOptions {
  readonly name: string;
  readonly refresh: number | 'ttl';
  readonly servers?: readonly string[] | undefined;
}

/** Addresses of a name, and for how many milliseconds they hold. */
interface Answer<T> {
  readonly found: readonly T[];
  readonly ttl: number;
}

const shortestTtl = 1000;
const longestTtl = 300_000;
/** For answers that tell no time: those of the system's own lookup. As Envoy's `dns_refresh_rate`. */
const standardRefresh = 5000;
const longestPause = 30_000;

/** Each address of a name is an endpoint. */
export function dnsDiscovery({ address, refresh, family, servers }: DnsOptions): Discovery {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = address.slice(colon + 1);
  return repeated(refresh, servers, async (names) => {
    const { found, ttl } = await names.addresses(host, family);
    return { found: found.map((ip) => ({ address: join(ip, port) })), ttl };
  });
}

/** Each address of each record with the lowest priority number is an endpoint, with the record's port and weight. */
export function srvDiscovery({ name, refresh, servers }: SrvOptions): Discovery {
  return repeated(refresh, servers, async (names) => {
    const records = await names.records(name);
    const first = Math.min(...records.map(({ priority }) => priority));
    const answers = await Promise.all(
      records
        .filter(({ priority }) => priority === first)
        .map(async ({ name: target, port, weight }) => {
          const { found, ttl } = await names.addresses(target, 'any').catch(noneOf);
          return { found: found.map((ip) => ({ address: join(ip, String(port)), weight: Math.max(1, weight) })), ttl };
        }),
    );
    return { found: answers.flatMap(({ found }) => found), ttl: Math.min(...answers.map(({ ttl }) => ttl)) };
  });
}

/** The other targets serve while one does not exist; one that cannot be asked for now leaves everything as it was. */
function noneOf(error: NodeJS.ErrnoException): Answer<string> {
  // Without a code it is ours: there is no address of either kind.
  if (error.code !== undefined && error.code !== 'ENOTFOUND' && error.code !== 'ENODATA') throw error;
  return { found: [], ttl: shortestTtl };
}

function join(ip: string, port: string): string {
  return isIP(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** Looks up now and again, up to a tenth early so that a fleet does not ask in step. Its timer keeps no process alive. */
function repeated(
  refresh: number | 'ttl',
  servers: readonly string[] | undefined,
  lookUp: (names: Names) => Promise<Answer<DiscoveredEndpoint>>,
): Discovery {
  return {
    watch(update, failed) {
      const names = new Names(servers);
      let timer: NodeJS.Timeout | undefined;
      let failures = 0;
      let ended = false;
      const again = (ms: number) => {
        timer = setTimeout(look, ms * (1 - Math.random() / 10)).unref();
      };
      const look = async () => {
        try {
          const { found, ttl } = await lookUp(names);
          if (ended) return;
          // Nobody could be served then: what was known is the better guess.
          if (found.length === 0) throw new Error('the name has no address');
          failures = 0;
          again(refresh === 'ttl' ? ttl : refresh);
          update(found);
        } catch (error) {
          if (ended) return;
          again(Math.min(1000 * 2 ** failures++, longestPause));
          failed(error as Error);
        }
      };
      void look();
      return () => {
        ended = true;
        clearTimeout(timer);
        names.cancel();
      };
    },
  };
}

/** Questions to DNS servers; the system's own lookup, with hosts file and search domains, for what they do not know. */
class Names {
  readonly #resolver = new dns.promises.Resolver({ timeout: 1000, tries: 2 });
  readonly #own: boolean;
  /** The last addresses of each kind: one that cannot be asked for now keeps them. */
  readonly #last = new Map<string, readonly string[]>();

  constructor(servers: readonly string[] | undefined) {
    this.#own = servers === undefined;
    if (servers !== undefined) this.#resolver.setServers(servers);
  }

  records(name: string): Promise<dns.SrvRecord[]> {
    return this.#resolver.resolveSrv(name);
  }

  async addresses(host: string, family: DnsOptions['family']): Promise<Answer<string>> {
    if (isIP(host) !== 0) return { found: [host], ttl: longestTtl };
    const families = family === 'any' ? ([4, 6] as const) : [family === 'ipv4' ? (4 as const) : (6 as const)];
    const answers = await Promise.all(families.map((each) => this.#ask(host, each)));
    const found = answers.flatMap((answer) => answer.found);
    if (found.length > 0 && answers.some(({ error }) => error === undefined))
      return { found, ttl: Math.min(...answers.map(({ ttl }) => ttl)) };
    const error = answers.find((answer) => answer.error !== undefined)?.error;
    if (!this.#own) throw error ?? new Error(`${host} has no address`);
    const known = await dns.promises.lookup(host, { all: true, family: { any: 0, ipv4: 4, ipv6: 6 }[family] });
    return { found: known.map(({ address }) => address), ttl: standardRefresh };
  }

  async #ask(host: string, family: 4 | 6): Promise<Answer<string> & { error?: Error }> {
    const key = `${host} ${family}`;
    try {
      const records = await this.#resolver[family === 4 ? 'resolve4' : 'resolve6'](host, { ttl: true });
      const found = records.map(({ address }) => address);
      this.#last.set(key, found);
      return { found, ttl: between(Math.min(...records.map(({ ttl }) => ttl)) * 1000) };
    } catch (error) {
      // The name has addresses of the other kind only.
      if ((error as NodeJS.ErrnoException).code === 'ENODATA') {
        this.#last.delete(key);
        return { found: [], ttl: longestTtl };
      }
      return { found: this.#last.get(key) ?? [], ttl: standardRefresh, error: error as Error };
    }
  }

  cancel(): void {
    this.#resolver.cancel();
  }
}

function between(ms: number): number {
  return Math.min(longestTtl, Math.max(shortestTtl, ms));
}
