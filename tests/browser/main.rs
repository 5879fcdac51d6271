//! Clerk's own JavaScript in headless Chromium, against an application with the stand-in for Clerk.

mod browser;
mod transcript;
mod world;

mod sign_in;
