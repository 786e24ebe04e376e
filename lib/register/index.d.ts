// For its effect only: `node -r polypool/register`, `node --import polypool/register`.
export {};
