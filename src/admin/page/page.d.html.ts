/** What `page.html` is as a module: the whole page in one string, made by `rolldown.config.ts`. */
declare const page: string;
export default page;
