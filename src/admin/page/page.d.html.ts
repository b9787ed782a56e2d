/** What `page.html` is as a module: the whole page in one string, made by `admin-page.ts` at the root. */
declare const page: string;
export default page;
