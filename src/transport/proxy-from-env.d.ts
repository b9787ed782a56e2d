/** Types of the package `proxy-from-env`, which has none of its own. */
declare module 'proxy-from-env' {
  /** The proxy that the environment names for a URL; empty where there is none. */
  export function getProxyForUrl(url: string): string;
}
