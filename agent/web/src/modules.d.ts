// Style sheets that a script brings in; esbuild makes app.css of them.
declare module '*.css';
