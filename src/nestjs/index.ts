/** NestJS: modules, decorators, health and request context. */
export {};
