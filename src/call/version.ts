/** The package's version, for the `User-Agent`; a test holds it to package.json. */
export const version = '0.1.0';
