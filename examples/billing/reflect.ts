/**
 * What @peculiar/x509's dependency injection asks of a Reflect polyfill: metadata that is never there, since its classes
 * take no injected parameters. Has to be imported before it.
 */
const none = () => undefined;
Object.assign(Reflect, { getMetadata: none, getOwnMetadata: none });
