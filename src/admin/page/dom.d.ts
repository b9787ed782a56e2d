/** What Node's `RequestInit` has and the browser's types do not know yet; types of the library that the page imports use it. */
interface RequestInit {
  duplex?: 'half';
}
