/** The first call loads it. */
export declare function yamlLibrary(): typeof import('yaml');
