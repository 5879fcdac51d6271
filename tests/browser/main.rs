//! Tests with Clerk's own JavaScript in headless Chromium, against an application with the stand-in for Clerk.

mod browser;
mod transcript;
mod world;

mod actors;
mod changes;
mod differential;
mod example_page;
mod origins;
mod refresh;
mod sign_in;
mod sign_out;
