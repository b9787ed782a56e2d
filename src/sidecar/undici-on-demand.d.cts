/** The first call loads it. */
export declare function undiciLibrary(): typeof import('undici');
