/** Discovers endpoints by DNS with periodic lookups in the background, so that only the first requests wait for DNS. */
import dns from 'node:dns';
import { isIP } from 'node:net';
import type { Discovery } from './discovery.js';
import type { DiscoveredEndpoint } from './host.js';

interface DnsOptions {
  /** Each with the name in place of an address. */
  readonly names: readonly DiscoveredEndpoint[];
  readonly refresh: number | 'ttl';
  readonly family: 'any' | 'ipv4' | 'ipv6';
  readonly servers?: readonly string[] | undefined;
}

interface SrvOptions {
  readonly name: string;
  readonly refresh: number | 'ttl';
  readonly servers?: readonly string[] | undefined;
}

/** The addresses or records of a name, and their time to live in milliseconds. */
interface Answer<T> {
  readonly found: readonly T[];
  readonly ttl: number;
}

const shortestTtl = 1000;
const longestTtl = 300_000;
/**
 * Time to live of answers without one, which are those of the system's lookup; equals the default of Envoy's
 * `dns_refresh_rate`.
 */
const standardRefresh = 5000;
/** Upper bound of the wait after failed lookups, in milliseconds. */
const longestPause = 30_000;

/**
 * Discovers endpoints by A and AAAA records: each address is an endpoint. Of several names, one that cannot be looked
 * up keeps its last addresses; the lookup fails if no name has any.
 */
export function dnsDiscovery({ names: list, refresh, family, servers }: DnsOptions): Discovery {
  const last = new Map<DiscoveredEndpoint, readonly string[]>();
  return repeated(refresh, servers, async (names) => {
    const answers = await Promise.allSettled(
      list.map(({ address }) => names.addresses(hostAndPort(address)[0], family)),
    );
    const failed = answers.find((answer) => answer.status === 'rejected');
    const ttls = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.ttl : standardRefresh));
    const found = list.flatMap((each, index) => {
      const answer = answers[index];
      if (answer?.status === 'fulfilled') last.set(each, answer.value.found);
      const port = hostAndPort(each.address)[1];
      return (last.get(each) ?? []).map((ip) => ({ ...each, address: join(ip, port) }));
    });
    if (failed !== undefined && (list.length === 1 || found.length === 0)) throw failed.reason;
    return { found, ttl: Math.min(...ttls) };
  });
}

function hostAndPort(address: string): [host: string, port: string] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon).replace(/^\[|\]$/g, ''), address.slice(colon + 1)];
}

/**
 * Discovers endpoints by SRV records: each address behind a record of the lowest priority number, with the record's
 * port and weight.
 */
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

/**
 * Skips an SRV target that does not exist; any other error fails the whole lookup, so that the last list stays in use.
 */
function noneOf(error: NodeJS.ErrnoException): Answer<string> {
  // An error without a code is our own, for a name with neither A nor AAAA records.
  if (error.code !== undefined && error.code !== 'ENOTFOUND' && error.code !== 'ENODATA') throw error;
  return { found: [], ttl: shortestTtl };
}

function join(ip: string, port: string): string {
  return isIP(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/**
 * Looks up at once and then periodically, up to 10 % early so that a fleet does not query in step. The timer is
 * unref'd.
 */
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
          // An empty list would fail every call, so it counts as a failed lookup and the last list stays in use.
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

/**
 * Queries DNS servers; falls back to the system's lookup, with hosts file and search domains, for names they do not
 * know.
 */
class Names {
  readonly #resolver = new dns.promises.Resolver({ timeout: 1000, tries: 2 });
  readonly #own: boolean;
  /** The last addresses of each family, reused while a query for that family fails. */
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
      // The name exists, but has no addresses of this family.
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
