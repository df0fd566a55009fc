// The API reference: swagger-ui from our own origin, over our own document. Its script defines one global.
interface Bundle {
  (options: Readonly<Record<string, unknown>>): void;
}

const style = document.createElement('link');
style.rel = 'stylesheet';
style.href = '/docs/swagger-ui.css';
const script = document.createElement('script');
script.src = '/docs/swagger-ui-bundle.js';
script.addEventListener('load', () => {
  const { SwaggerUIBundle } = window as unknown as { readonly SwaggerUIBundle: Bundle };
  SwaggerUIBundle({
    url: '/openapi.json',
    dom_id: '#root',
    deepLinking: true,
    validatorUrl: null,
    tryItOutEnabled: false,
  });
});
document.head.append(style, script);
export {};
