/** All of undici, loaded with the first dispatcher. In a file of its own: bundlers pack it only where dispatchers are made. */
'use strict';

let library;
exports.undiciLibrary = () => {
  library ??= require('undici');
  return library;
};
