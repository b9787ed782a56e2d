/** yaml, loaded with the first document. In a file of its own: bundlers pack it only where documents are read. */
'use strict';

let library;
exports.yamlLibrary = () => {
  library ??= require('yaml');
  return library;
};
