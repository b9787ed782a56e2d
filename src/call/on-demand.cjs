/**
 * Libraries that are loaded when they are first used. In CommonJS, since only `require` loads at once and later, and bundlers
 * follow it here, which they do not where an ES module makes its `require` itself.
 */
'use strict';

/** Calls `load` the first time only: Node's `require` takes a microsecond also for what it has. */
function once(load) {
  let loaded;
  return () => (loaded ??= load());
}

exports.levenshtein = once(() => require('fastest-levenshtein'));
exports.openTelemetry = once(() => require('@opentelemetry/api'));
exports.pinoLibrary = once(() => require('pino'));

/** 19 files of undici in place of 110. In a function of its own, since rollup follows no `require` within `try`. */
const undiciFiles = () => ({ Client: require('undici/lib/dispatcher/client.js') });

exports.undiciClient = once(() => {
  try {
    return undiciFiles();
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND' && error.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    // A later version may have them elsewhere. Bundlers do not follow this one, or they would pack all of undici.
    return require('node:module').createRequire(__filename)('undici');
  }
});
