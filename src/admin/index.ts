/** The admin handler: what an Envoy's admin port shows, of the clients in this process. */
export {};
