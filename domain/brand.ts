declare const brand: unique symbol;

/** A value that only its parse function makes: a plain string or number in its place does not compile. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
